// Light, dark, or as the system has it.
import { lasting } from '../storage/stored.js';

export const THEMES = ['system', 'light', 'dark'];

/** The theme that was chosen last. */
export function chosenTheme() {
  const theme = lasting.read('theme', 'system');
  return THEMES.includes(theme) ? theme : 'system';
}

/** Shows a theme. The colours follow from `color-scheme` alone: look/colours.css. */
export function showTheme(theme) {
  document.documentElement.dataset.theme = theme;
}

/** Shows a theme and remembers it. */
export function chooseTheme(theme) {
  showTheme(theme);
  lasting.write('theme', theme);
}
