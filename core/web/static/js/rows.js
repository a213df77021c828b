/* Rows of a list: J and K move the focus, X selects, Shift selects a range, the bulk bar tells how many. Load before keys.js. */
'use strict';

let lastBox = null;

const rowBoxes = () => [...document.querySelectorAll('.rows tbody input[name="ids"]')];

function updateBulk() {
  const boxes = rowBoxes();
  const count = boxes.filter((box) => box.checked).length;
  const all = document.querySelector('.rows input[data-all]');
  if (all) {
    all.checked = count > 0 && count === boxes.length;
    all.indeterminate = count > 0 && count < boxes.length;
  }
  for (const shown of document.querySelectorAll('[data-selected-count]')) shown.textContent = String(count);
  const matching = document.querySelector('input[name="all_matching"]');
  if (matching) matching.value = '';
}

function selectTo(box, range) {
  const boxes = rowBoxes();
  const [from, to] = [boxes.indexOf(lastBox), boxes.indexOf(box)].sort((a, b) => a - b);
  if (range && from >= 0) boxes.slice(from, to + 1).forEach((other) => { other.checked = box.checked; });
  lastBox = box;
  updateBulk();
}

function clearSelection() {
  const chosen = rowBoxes().filter((box) => box.checked);
  chosen.forEach((box) => { box.checked = false; });
  updateBulk();
  return chosen.length > 0;
}

function moveRow(step) {
  const links = [...document.querySelectorAll('.rows tbody a.row-link')];
  const now = links.indexOf(document.activeElement?.closest('tr')?.querySelector('a.row-link'));
  const next = links[Math.min(Math.max(now + step, 0), links.length - 1)];
  next?.focus();
  return Boolean(next);
}

/* Returns true when the key was one of the list's own; Enter needs none, since the row's link has the focus. */
function handleRowKey(event, key) {
  if (key === 'j' || key === 'k') return moveRow(key === 'j' ? 1 : -1);
  if (key === 'escape') return clearSelection();
  const box = event.target.closest?.('tr')?.querySelector('input[name="ids"]');
  if (!box || (key !== 'x' && key !== 'shift+x')) return false;
  box.checked = key === 'shift+x' ? true : !box.checked;
  selectTo(box, key === 'shift+x');
  return true;
}

document.addEventListener('click', (event) => {
  const box = event.target;
  if (box.matches?.('.rows tbody input[name="ids"]')) selectTo(box, event.shiftKey);
  if (box.matches?.('.rows input[data-all]')) {
    rowBoxes().forEach((other) => { other.checked = box.checked; });
    updateBulk();
  }
  if (box.closest?.('[data-clear-selection]')) clearSelection();
  const matching = box.closest?.('[data-select-matching]');
  if (matching) {
    rowBoxes().forEach((other) => { other.checked = true; });
    updateBulk();
    document.querySelector('input[name="all_matching"]').value = 'yes';
    document.querySelector('[data-selected-count]').textContent = matching.dataset.selectMatching;
  }
});
