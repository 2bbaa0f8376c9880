// Runs before the page is painted, so that nobody who chose dark sees a white flash.
import { chosenTheme, showTheme } from './theme.js';

showTheme(chosenTheme());
