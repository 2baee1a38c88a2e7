// @ts-check
/** The output ends where the window ends, so that its newest line is in view without scrolling. */

/** @param {HTMLElement} region */
export function fitHeight(region) {
  let frame = 0;
  const fit = () => {
    frame = 0;
    const top = region.getBoundingClientRect().top;
    region.style.setProperty('--above', `${Math.max(0, Math.round(top))}px`);
  };
  const plan = () => {
    frame ||= requestAnimationFrame(fit);
  };
  addEventListener('scroll', plan, { passive: true });
  addEventListener('resize', plan);
  fit();
}
