/* Input methods: no search while a Chinese word is being composed, exactly one when it is finished. Load before htmx. */
document.addEventListener('input', (event) => {
  if (event.isComposing) event.stopImmediatePropagation();
}, true);
document.addEventListener('compositionend', (event) => {
  // Chromium fires no input event after compositionend; htmx triggers marked `changed` ignore the second one of others.
  event.target.dispatchEvent(new Event('input', { bubbles: true }));
}, true);
