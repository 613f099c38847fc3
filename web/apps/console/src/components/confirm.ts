// SPDX-License-Identifier: Apache-2.0
import { shallowRef } from 'vue';

export interface Question {
  title: string;
  text: string;
  action: string;
  /** What not doing it is called, where “Cancel” would not say it. */
  refusal?: string | undefined;
  danger: boolean;
  /** What must be typed before the action is offered. */
  typed?: string | undefined;
  answer: (yes: boolean) => void;
}

/** The question that is open; ConfirmDialog.vue shows it. */
export const question = shallowRef<Question | null>(null);

/** Asks, and resolves when the person has answered. */
export function confirm(asked: Omit<Question, 'answer'>): Promise<boolean> {
  return new Promise((resolve) => {
    question.value = {
      ...asked,
      answer: (yes) => {
        question.value = null;
        resolve(yes);
      },
    };
  });
}
