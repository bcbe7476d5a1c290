const query = new URLSearchParams(location.search);
document.getElementById("error").hidden = !query.has("error");
document.getElementById("returnUrl").value = query.get("returnUrl") ?? "/";
