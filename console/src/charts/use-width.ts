import { type RefObject, useLayoutEffect, useRef, useState } from 'react';

/** Drawn at this width before the page is laid out. */
const FIRST_WIDTH = 720;

/** The width of an element in pixels, as it is now. Charts are drawn at their real size, so that text stays text. */
export function useWidth<T extends Element>(): readonly [RefObject<T | null>, number] {
  const ref = useRef<T>(null);
  const [width, setWidth] = useState(FIRST_WIDTH);
  useLayoutEffect(() => {
    const element = ref.current;
    if (element === null) return;
    setWidth(element.getBoundingClientRect().width || FIRST_WIDTH);
    const observer = new ResizeObserver(([entry]) => {
      if (entry !== undefined) setWidth(entry.contentRect.width);
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [ref, width];
}
