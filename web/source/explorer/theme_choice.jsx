import { useState } from 'preact/hooks';

import { THEMES, chooseTheme, chosenTheme } from '../look/theme.js';

const TITLES = { system: 'System', light: 'Light', dark: 'Dark' };

export function ThemeChoice() {
  const [theme, setTheme] = useState(chosenTheme);
  const choose = (event) => {
    setTheme(event.currentTarget.value);
    chooseTheme(event.currentTarget.value);
  };
  return (
    <label class="theme">
      Theme
      <select value={theme} onChange={choose}>
        {THEMES.map((name) => <option key={name} value={name}>{TITLES[name]}</option>)}
      </select>
    </label>
  );
}
