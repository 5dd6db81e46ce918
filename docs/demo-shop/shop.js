// What the page makes of what it is told. It learns a number and a state; whether money came is asked from server to server.
for (const type of ["loaded", "submitted", "success", "failure", "close", "fallback"]) {
  window.PayEmbed.on(type, (detail) => {
    document.getElementById("said").textContent += `${type}:${detail.payment || "-"}:${detail.state || "-"} `;
  });
}
