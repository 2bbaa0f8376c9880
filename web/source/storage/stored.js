// What the browser keeps between visits, on a disk: no token, no password, no key comes here. Where
// it keeps nothing (private windows, full disks), the page works all the same and forgets with the
// page.
//
// `lasting` outlives the window; `passing` ends with the tab.

const PREFIX = 'tidings.';

/** Kept until it is changed. */
export const lasting = keeper(() => window.localStorage);
/** Kept until the tab is closed. Browsers write this to a disk too. */
export const passing = keeper(() => window.sessionStorage);

function keeper(area) {
  // What the browser would not take.
  const refused = new Map();
  return {
    read(name, otherwise) {
      try {
        const text = refused.get(name) ?? area().getItem(PREFIX + name);
        return text === null ? otherwise : JSON.parse(text);
      } catch {
        return otherwise;
      }
    },
    write(name, value) {
      const text = JSON.stringify(value);
      try {
        area().setItem(PREFIX + name, text);
        refused.delete(name);
      } catch {
        refused.set(name, text);
      }
    },
    onChangeElsewhere(name, changed) {
      // Without a key, all was cleared.
      const hear = ({ key }) => {
        if (key === null || key === PREFIX + name) {
          // Else what the other tab forgot would come back from here.
          refused.delete(name);
          changed();
        }
      };
      window.addEventListener('storage', hear);
      return () => window.removeEventListener('storage', hear);
    },
  };
}
