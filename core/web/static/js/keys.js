/* Keyboard: elements name their key in data-key; `g h` is a sequence. Silent while typing or composing (WCAG 2.1.4: can be switched off). */
'use strict';

let prefix = '';
let prefixTimer = 0;

function typing(event) {
  return event.isComposing || event.target.closest('input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]');
}

function pressTarget(key) {
  const found = [...document.querySelectorAll(`[data-key="${CSS.escape(key)}"]`)];
  const target = found.find((element) => element.checkVisibility?.() ?? element.offsetParent !== null);
  if (!target) return false;
  if (target.matches('input:not([type=checkbox]), textarea, select')) target.focus();
  else target.click();
  return true;
}

function keyName(event) {
  if (event.key === '/' || event.key === '?' || event.key === '[') return event.key;
  return (event.shiftKey ? 'shift+' : '') + event.key.toLowerCase();
}

document.addEventListener('keydown', (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
    event.preventDefault();
    openDialog(byId('palette'));
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || document.body.dataset.keys === 'off') return;
  if (typing(event) || document.querySelector('dialog[open]')) return;
  const name = keyName(event);
  const key = prefix ? `${prefix} ${name}` : name;
  clearTimeout(prefixTimer);
  prefix = '';
  if (key === '?') {
    event.preventDefault();
    openDialog(byId('keys-help'));
  } else if (handleRowKey(event, key) || pressTarget(key)) {
    event.preventDefault();
  } else if (name === 'g') {
    prefix = 'g';
    prefixTimer = setTimeout(() => { prefix = ''; }, 1200);
  }
});
