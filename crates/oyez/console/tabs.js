// On a narrow screen inbox, form and log take turns; on a wide one all are visible and the tabs are hidden.

import { $ } from "./dom.js";

const NAMES = ["inbox", "send", "frames"];

export function selectTab(name) {
  $("desk").dataset.tab = name;
  for (const each of NAMES) {
    const tab = $(`tab-${each}`);
    tab.setAttribute("aria-selected", String(each === name));
    tab.tabIndex = each === name ? 0 : -1;
  }
  dispatchEvent(new Event("oyez:tab"));
}

for (const [index, name] of NAMES.entries()) {
  const tab = $(`tab-${name}`);
  tab.onclick = () => selectTab(name);
  tab.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = NAMES[(index + step + NAMES.length) % NAMES.length];
    selectTab(next);
    $(`tab-${next}`).focus();
  };
}

selectTab("inbox");
