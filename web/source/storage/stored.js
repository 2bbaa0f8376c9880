// What the browser keeps between visits. Where it keeps nothing (private windows, full disks), the
// page works all the same and forgets.
//
// `lasting` outlives the window; `passing` ends with the tab. A token is only ever `passing`.

const PREFIX = 'tidings.';

/** Kept until it is removed. */
export const lasting = keeper(() => window.localStorage);
/** Kept until the tab is closed. */
export const passing = keeper(() => window.sessionStorage);

function keeper(area) {
  return {
    read(name, otherwise) {
      try {
        const text = area().getItem(PREFIX + name);
        return text === null ? otherwise : JSON.parse(text);
      } catch {
        return otherwise;
      }
    },
    write(name, value) {
      try {
        area().setItem(PREFIX + name, JSON.stringify(value));
      } catch {
        // Nothing is lost but the memory of it.
      }
    },
    remove(name) {
      try {
        area().removeItem(PREFIX + name);
      } catch {
        // It was never kept.
      }
    },
  };
}
