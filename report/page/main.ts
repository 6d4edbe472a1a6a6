/** The page: the matrix, or a scenario, as its address says. */
import { addressOf, readAddress, type Shown } from './address.ts';
import { data } from './data.ts';
import { matrixView } from './matrix.ts';
import { follow, playerView } from './player.ts';

let move: (by: number) => void = () => {};

/** What the address names, with the lines of a stored scenario. */
function named(): Shown | undefined {
  const shown = readAddress(location.hash);
  if (shown === undefined) return undefined;
  const stored = data.scenarios.find(({ file }) => file === shown.file);
  const release = shown.release || stored?.release || data.review.release;
  return stored === undefined
    ? { ...shown, file: '', release }
    : { ...shown, host: stored.host, events: stored.events, picks: stored.picks, release };
}

function open(next: Shown): void {
  location.hash = addressOf(next);
}

function show(): void {
  const root = document.getElementById('root') as HTMLElement;
  const shown = named();
  if (shown === undefined) {
    move = () => {};
    root.replaceChildren(matrixView());
    return;
  }
  const { element, move: moves } = playerView(shown, open, (at) => {
    history.replaceState(null, '', addressOf({ ...shown, at }));
  });
  move = moves;
  root.replaceChildren(element);
  follow(element);
}

const KEYS: Readonly<Record<string, number>> = { ArrowRight: 1, ArrowLeft: -1, Home: -1e9, End: 1e9 };

document.addEventListener('keydown', (event) => {
  const target = event.target as HTMLElement;
  const isTyping = target.matches('textarea, select, input');
  if (event.key === 'Enter' && event.ctrlKey && target.matches('textarea')) target.closest('form')?.requestSubmit();
  else if (event.key === 'Escape' && !isTyping) location.hash = '';
  else if (!isTyping && !event.altKey && !event.ctrlKey && !event.metaKey && event.key in KEYS) {
    if (readAddress(location.hash) === undefined) return;
    event.preventDefault();
    move(KEYS[event.key] ?? 0);
  }
});
window.addEventListener('hashchange', () => {
  show();
  window.scrollTo(0, 0);
});
show();
performance.mark('usable');
