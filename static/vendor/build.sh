#!/bin/sh
# Rebuilds what the pages load from others: htmx, its event-stream extension and the editor. Needs Node only when a
# version in package.json changes; the output is committed, so neither building nor running the portal needs it.
set -eu
cd "$(dirname "$0")"
npm ci --ignore-scripts
cp node_modules/htmx.org/dist/htmx.min.js htmx.js
node_modules/.bin/esbuild node_modules/htmx-ext-sse/sse.js --minify --legal-comments=none --outfile=htmx-sse.js
node_modules/.bin/esbuild editor.src.js --bundle --minify --format=iife --target=es2022 --legal-comments=none --outfile=editor.js
{
  echo "Third-party code in this folder, its versions and licences. Made by build.sh."
  for name in htmx.org htmx-ext-sse $(node -p 'Object.keys(require("./package-lock.json").packages).filter(p => /node_modules\/(@codemirror|@lezer|@marijn|codemirror|crelt|style-mod|w3c-keyname)/.test(p)).map(p => p.slice(13)).join(" ")'); do
    printf '\n---- %s %s ----\n\n' "$name" "$(node -p "require('./node_modules/$name/package.json').version")"
    cat "node_modules/$name/LICENSE"
  done
} > LICENSES.txt
sha256sum htmx.js htmx-sse.js editor.js editor.src.js LICENSES.txt package.json package-lock.json > SHA256SUMS
rm -rf node_modules
