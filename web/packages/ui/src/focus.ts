// SPDX-License-Identifier: Apache-2.0

const FIELDS =
  'input:not([type="hidden"], [type="radio"], [type="checkbox"], [type="file"], :disabled), textarea, select';

/** Puts the cursor into the first field within `root`. Whether there is one. */
export function focusFirst(root: HTMLElement | null | undefined): boolean {
  const field = root?.matches(FIELDS) ? root : root?.querySelector<HTMLElement>(FIELDS);
  field?.focus({ preventScroll: true });
  return field != null;
}

/** `v-focus` on what is typed into first, or on what holds it. */
export const vFocus = { mounted: (el: HTMLElement): void => void focusFirst(el) };
