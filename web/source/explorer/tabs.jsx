// Tabs as the ARIA pattern has them: one stop for Tab, the arrow keys walk among them.
import { useRef } from 'preact/hooks';

/** `tabs`: `{ name, title, content }`, the content made only for the chosen one. */
export function Tabs({ label, tabs, chosen, onChoose }) {
  const list = useRef(null);
  const press = (event) => {
    const at = tabs.findIndex(({ name }) => name === chosen);
    const next = {
      ArrowRight: (at + 1) % tabs.length,
      ArrowLeft: (at + tabs.length - 1) % tabs.length,
      Home: 0,
      End: tabs.length - 1,
    }[event.key];
    if (next !== undefined) {
      event.preventDefault();
      onChoose(tabs[next].name);
      list.current.children[next].focus();
    }
  };
  const shown = tabs.find(({ name }) => name === chosen);
  return (
    <>
      <div class="tabs" role="tablist" aria-label={label} ref={list} onKeyDown={press}>
        {tabs.map(({ name, title }) => (
          <button
            key={name}
            type="button"
            role="tab"
            id={`tab-${name}`}
            aria-selected={name === chosen}
            aria-controls="tab-panel"
            tabIndex={name === chosen ? 0 : -1}
            onClick={() => onChoose(name)}
          >
            {title}
          </button>
        ))}
      </div>
      <div class="tab-panel" role="tabpanel" id="tab-panel" aria-labelledby={`tab-${chosen}`}>
        {shown.content()}
      </div>
    </>
  );
}
