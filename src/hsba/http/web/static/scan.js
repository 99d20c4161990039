/* The camera reads a card's QR code into the box, where the browser can; it is opened by a press only, and closed again. */
"use strict";

(() => {
  const button = document.getElementById("scan");
  const said = document.getElementById("said");
  const room = document.getElementById("camera");
  const view = document.getElementById("view");
  const box = document.getElementById("q");
  if (!button || !("BarcodeDetector" in window) || !navigator.mediaDevices) return;
  button.hidden = false;

  const SECONDS = 30;
  let stream = null;

  const close = () => {
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
    room.hidden = true;
  };

  const look = async (detector, until) => {
    if (!stream) return;
    const codes = await detector.detect(view).catch(() => []);
    if (codes.length) {
      close();
      box.value = codes[0].rawValue;
      box.form.requestSubmit();
    } else if (Date.now() > until) {
      close();
      said.textContent = button.dataset.none;
      box.focus();
    } else {
      setTimeout(look, 150, detector, until);
    }
  };

  button.addEventListener("click", async () => {
    said.textContent = "";
    try {
      const detector = new BarcodeDetector({ formats: ["qr_code", "code_128"] });
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      room.hidden = false;
      view.srcObject = stream;
      await view.play();
      look(detector, Date.now() + SECONDS * 1000);
    } catch {
      close();
      said.textContent = button.dataset.refused;
      box.focus();
    }
  });
  document.getElementById("stop").addEventListener("click", close);
})();
