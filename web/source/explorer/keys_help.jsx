// The keys, told where everybody sees them.
const isMac = navigator.userAgent.includes('Mac');

const KEYS = [
  [[isMac ? '⌘' : 'Ctrl', 'Enter'], 'run'],
  [['Ctrl', 'Space'], 'complete'],
  [['F1'], 'documentation of what is at the cursor'],
  [['Shift', isMac ? '⌥' : 'Alt', 'F'], 'prettify'],
  [['Tab'], 'leave the editor'],
  [['Esc'], 'close suggestions'],
];

export function KeysHelp() {
  return (
    <footer class="keys" aria-label="Keys">
      <ul>
        {KEYS.map(([keys, does]) => (
          <li key={does}>
            {keys.map((key) => <kbd key={key}>{key}</kbd>)} <span>{does}</span>
          </li>
        ))}
      </ul>
    </footer>
  );
}
