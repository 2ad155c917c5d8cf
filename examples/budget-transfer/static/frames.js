// Shows the raw frames of a connection of its own, as they come.

const by = (id) => document.getElementById(id);
const MOST = 500;
let socket = null;
let count = 0;

function show(text) {
  count += 1;
  by("frame-count").textContent = count === 1 ? "1 frame" : `${count} frames`;
  const frame = document.createElement("pre");
  frame.textContent = JSON.stringify(JSON.parse(text), null, 2);
  const item = document.createElement("li");
  item.append(frame);
  by("frames").prepend(item);
  while (by("frames").children.length > MOST) by("frames").lastElementChild.remove();
}

function connect() {
  if (socket) {
    socket.onclose = null;
    socket.close();
  }
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  socket = new WebSocket(`${scheme}://${location.host}/ws/notifications/${by("full").checked ? "?frames=full" : ""}`);
  socket.onmessage = (event) => show(event.data);
  socket.onclose = () => setTimeout(connect, 1_000);
}

by("full").addEventListener("change", connect);
by("clear").addEventListener("click", () => {
  by("frames").replaceChildren();
  count = 0;
  by("frame-count").textContent = "0 frames";
});
connect();
