// The bar between two panes. It is dragged, or moved by the arrow keys; what it means in pixels or
// parts is for the one who uses it.
import { useRef } from 'preact/hooks';

const KEY_STEP = 16;

/**
 * `axis`: 'x' between panes side by side, 'y' between panes above each other. `value` is the size in
 * pixels of the pane before it, or of the one after it where `isReversed`.
 */
export function Splitter({ label, axis, value, min, max, onValue, isReversed }) {
  const drag = useRef(null);
  const sign = isReversed ? -1 : 1;
  const set = (wanted) => onValue(Math.round(Math.min(Math.max(wanted, min), max)));
  const at = (event) => (axis === 'x' ? event.clientX : event.clientY);

  const begin = (event) => {
    event.currentTarget.setPointerCapture(event.pointerId);
    drag.current = { from: at(event), value };
  };
  const move = (event) => {
    if (drag.current !== null) {
      set(drag.current.value + sign * (at(event) - drag.current.from));
    }
  };
  const end = () => {
    drag.current = null;
  };
  const press = (event) => {
    const [less, more] = axis === 'x' ? ['ArrowLeft', 'ArrowRight'] : ['ArrowUp', 'ArrowDown'];
    const steps = { [less]: -sign * KEY_STEP, [more]: sign * KEY_STEP };
    const ends = { Home: min, End: max };
    if (event.key in steps || event.key in ends) {
      event.preventDefault();
      set(ends[event.key] ?? value + steps[event.key]);
    }
  };

  return (
    <div
      class={`splitter splitter-${axis}`}
      role="separator"
      tabIndex={0}
      aria-label={label}
      aria-orientation={axis === 'x' ? 'vertical' : 'horizontal'}
      aria-valuenow={value}
      aria-valuemin={min}
      aria-valuemax={max}
      onPointerDown={begin}
      onPointerMove={move}
      onPointerUp={end}
      onPointerCancel={end}
      onKeyDown={press}
    />
  );
}
