/* Behaviour every page shares: dialogs, menus, toasts, masks, palette. */
'use strict';

const byId = (id) => document.getElementById(id);

document.addEventListener('htmx:error', (event) => {
  if (event.detail.ctx) showTemplate('toast-offline');
});

/* Dialogs: data-open names a dialog, data-close closes the one around it; focus goes back to the opener. */
let opener = null;
function openDialog(dialog) {
  if (!dialog || dialog.open) return;
  opener = document.activeElement;
  dialog.showModal();
  dialog.querySelector('[autofocus], input, button')?.focus();
}
document.addEventListener('close', (event) => {
  if (event.target.matches('dialog') && opener?.isConnected) opener.focus();
}, true);
document.addEventListener('click', (event) => {
  const open = event.target.closest('[data-open]');
  if (open) {
    event.preventDefault();
    openDialog(byId(open.dataset.open));
  }
  if (event.target.closest('[data-close]') || event.target.matches('dialog')) event.target.closest('dialog')?.close();
  closeMenus(event.target);
});

/* Menus are <details>: a click elsewhere or Escape closes them. */
function closeMenus(except) {
  for (const menu of document.querySelectorAll('details.menu[open]')) {
    if (except && menu.contains(except)) continue;
    const inside = menu.contains(document.activeElement);
    menu.open = false;
    if (inside) menu.querySelector('summary').focus();
  }
}
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && !event.isComposing) closeMenus(null);
});

/* Folded side menu: remembered in a cookie so that the server draws it folded without a jump. */
function foldMenu() {
  const folded = document.body.classList.toggle('folded');
  document.cookie = `menu=${folded ? 'folded' : 'open'}; path=/; max-age=31536000; samesite=lax`;
  document.querySelector('[data-fold]')?.setAttribute('aria-expanded', String(!folded));
}
document.addEventListener('click', (event) => {
  if (event.target.closest('[data-fold]')) foldMenu();
});

/* Toasts: data-seconds counts down on the undo button, then the toast goes; errors have none and stay. */
function startToast(toast) {
  if (toast.dataset.started) return;
  toast.dataset.started = 'yes';
  toast.querySelector('[data-dismiss]')?.addEventListener('click', () => toast.remove());
  let left = Number(toast.dataset.seconds || 0);
  if (!left) return;
  const timer = setInterval(() => {
    if (toast.matches(':hover, :focus-within')) return;
    left -= 1;
    const shown = toast.querySelector('[data-countdown]');
    if (shown) shown.textContent = `${left} s`;
    if (left <= 0) {
      clearInterval(timer);
      toast.remove();
    }
  }, 1000);
}
function showTemplate(id) {
  const template = byId(id);
  if (template) byId('toasts')?.append(template.content.cloneNode(true));
}

/* Unmasked values turn back into their masked form after data-remask seconds. */
function startRemask(element) {
  if (element.dataset.started) return;
  element.dataset.started = 'yes';
  element.closest('.masked')?.querySelector('details')?.removeAttribute('open');
  setTimeout(() => {
    element.textContent = element.dataset.masked;
    element.classList.remove('unmasked');
    delete element.dataset.remask;
  }, Number(element.dataset.remask) * 1000);
}

/* Small conveniences declared by attributes. */
document.addEventListener('change', (event) => {
  if (event.target.closest('[data-autosubmit]')) event.target.form?.requestSubmit();
});
document.addEventListener('click', (event) => {
  const move = event.target.closest('[data-move]');
  if (!move) return;
  const item = move.closest('li');
  if (move.dataset.move === 'up') item.previousElementSibling?.before(item);
  else item.nextElementSibling?.after(item);
  move.focus();
});

/* Palette: arrows choose, Enter opens the chosen result. */
function choose(step) {
  const results = [...document.querySelectorAll('#palette-results a')];
  if (!results.length) return;
  const now = results.findIndex((result) => result.getAttribute('aria-selected') === 'true');
  const next = (now + step + results.length) % results.length;
  results.forEach((result, index) => result.setAttribute('aria-selected', String(index === next)));
  results[next].scrollIntoView({ block: 'nearest' });
  byId('palette-input').setAttribute('aria-activedescendant', results[next].id);
}
document.addEventListener('keydown', (event) => {
  if (event.target.id !== 'palette-input' || event.isComposing) return;
  const steps = { ArrowDown: 1, ArrowUp: -1 };
  if (event.key in steps) {
    event.preventDefault();
    choose(steps[event.key]);
  }
  const chosen = document.querySelector('#palette-results a[aria-selected="true"]');
  if (event.key === 'Enter' && chosen) {
    event.preventDefault();
    chosen.click();
  }
});

/* One observer starts what arrives later, by swap or by template. */
function start(root) {
  root.querySelectorAll?.('.toast').forEach(startToast);
  root.querySelectorAll?.('[data-remask]').forEach(startRemask);
  root.querySelectorAll?.('input[data-some]').forEach((box) => { box.indeterminate = true; });
}
document.addEventListener('DOMContentLoaded', () => {
  start(document);
  new MutationObserver(() => start(document)).observe(document.body, { childList: true, subtree: true });
});
