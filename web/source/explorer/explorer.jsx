// The entry of the page: puts the Explorer where pages/explorer.html has a place for it.
import { render } from 'preact';

import { App } from './app.jsx';

render(<App />, document.getElementById('explorer'));
