// The Explorer, whole: its panes, and what each is given of what explorer_state.js knows.
//
//   header    token, theme
//   side      documentation, examples, history
//   write     query, its problems, variables, their problems
//   result    how it went, errors, JSON
import { useRef } from 'preact/hooks';

import { useExplorer } from './explorer_state.js';
import { Header } from './header.jsx';
import { KeysHelp } from './keys_help.jsx';
import { Result } from './result.jsx';
import { SidePanel } from './side_panel.jsx';
import { useSide } from './side_state.js';
import { BOUNDS, useSizes } from './sizes.js';
import { Splitter } from './splitter.jsx';
import { WritePane } from './write_pane.jsx';

export function App() {
  const side = useSide();
  const explorer = useExplorer(side.showFromEditor);
  const [sizes, setSize] = useSizes();
  const tokenField = useRef(null);

  // In the editors the key is theirs: CodeMirror takes it before it comes here.
  const press = (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && !event.defaultPrevented) {
      event.preventDefault();
      explorer.run();
    }
  };
  const style = {
    '--side': `${sizes.side}px`,
    '--result': `${sizes.result}%`,
    '--variables': `${sizes.variables}px`,
  };
  return (
    <div class="app" style={style} data-side={side.isShown ? 'shown' : 'hidden'} onKeyDown={press}>
      <Header explorer={explorer} side={side} tokenField={tokenField} />
      {side.isShown && (
        <SidePanel
          side={side}
          explorer={explorer}
          width={sizes.side}
          onWidth={setSize('side')}
          onToken={() => tokenField.current.focus()}
        />
      )}
      <main id="main">
        <WritePane
          explorer={explorer}
          variablesHeight={sizes.variables}
          onVariablesHeight={setSize('variables')}
        />
        <Splitter
          label="Width of the result"
          axis="x"
          value={sizes.result}
          onValue={setSize('result')}
          isReversed
          {...BOUNDS.result}
        />
        <Result
          answer={explorer.runs.answer}
          isRunning={explorer.runs.isRunning}
          onPlace={explorer.goToPlace}
          onToken={() => tokenField.current.focus()}
        />
      </main>
      <KeysHelp />
    </div>
  );
}
