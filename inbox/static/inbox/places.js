// On a phone the places of the settings are a strip to be pushed aside: it begins where one is.

const here = document.querySelector(".settings-nav [aria-current]");
here?.scrollIntoView({ block: "nearest", inline: "center" });
