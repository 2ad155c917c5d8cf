// Makes the frame of a letter as high as the letter, so that the page scrolls and not a box in it.

const frame = document.querySelector(".letter");

function fit() {
  const letter = frame?.contentDocument?.documentElement;
  // Two for the frame's borders.
  if (letter) frame.style.height = `${Math.ceil(letter.getBoundingClientRect().height) + 2}px`;
}

frame?.addEventListener("load", fit);
addEventListener("resize", fit);
fit();
