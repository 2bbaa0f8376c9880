// The bar between two panes. It is dragged, or moved by the arrow keys.
import { useRef } from 'preact/hooks';

const KEY_STEP = { pixels: 16, percent: 2 };

/**
 * `axis`: 'x' between panes side by side, 'y' between panes above each other. `value` is the size of
 * the pane before it, or of the one after it where `isReversed`; `unit` says in what: pixels, or
 * percent of what both lie in.
 */
export function Splitter({ label, axis, value, min, max, unit, onValue, isReversed }) {
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
      const moved = inUnit(at(event) - drag.current.from, unit, axis, event.currentTarget);
      set(drag.current.value + sign * moved);
    }
  };
  const end = () => {
    drag.current = null;
  };
  const press = (event) => {
    const [less, more] = axis === 'x' ? ['ArrowLeft', 'ArrowRight'] : ['ArrowUp', 'ArrowDown'];
    const step = sign * KEY_STEP[unit];
    const wanted = { [less]: value - step, [more]: value + step, Home: min, End: max }[event.key];
    if (wanted !== undefined) {
      event.preventDefault();
      set(wanted);
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

function inUnit(pixels, unit, axis, { parentElement }) {
  const whole = axis === 'x' ? parentElement.clientWidth : parentElement.clientHeight;
  return unit === 'percent' ? (100 * pixels) / whole : pixels;
}
