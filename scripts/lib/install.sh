# Functions for scripts/up and scripts/test that install what is missing. Sourced with the checkout as the current folder.
# Each is silent when there is nothing to do, and prints one line when there is.

# What Debian asks before it starts a service.
policy_file=/usr/sbin/policy-rc.d

say() { printf '%s\n' "$@" >&2; }
give_up() { say "$@"; exit 1; }

ensure_node() {
  command -v node >/dev/null ||
    give_up 'Forewarm needs Node.js 20.19 or newer, and there is no node on the PATH: see https://nodejs.org.'
  node -e 'const [major, minor] = process.versions.node.split(".").map(Number); process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)' ||
    give_up "Forewarm needs Node.js 20.19 or newer; this is $(node --version) ($(command -v node))."
  command -v npm >/dev/null || give_up 'Forewarm needs npm, which comes with Node.js, and there is none on the PATH.'
}

ensure_packages() {
  node scripts/lib/packages-installed.cjs && return
  local started=$SECONDS
  say 'Installing packages (npm ci; about a minute the first time) …'
  # The runtime's own install script downloads GPU libraries that nothing here uses; npm 10 runs it, npm 11 reads allowScripts.
  # NODE_ENV=production would leave out the compiler.
  ONNXRUNTIME_NODE_INSTALL=skip npm ci --include=dev --no-audit --no-fund --loglevel=error --no-update-notifier </dev/null >&2 ||
    give_up 'npm ci failed: see above.'
  say "Packages installed in $((SECONDS - started)) s."
}

# Compiles what is given (default: all) and what that refers to, as far as it has changed.
ensure_build() {
  node_modules/.bin/tsc -b "$@" >&2 || give_up 'The sources do not compile: see above.'
}

redis_on_path() { command -v redis-server >/dev/null || command -v valkey-server >/dev/null; }

ensure_redis() {
  redis_on_path && return
  local command
  command=$(redis_install_command) ||
    give_up 'Forewarm needs redis-server or valkey-server on the PATH, and knows no package manager here to install it with.'
  if [ "$(id -u)" != 0 ] && [ "${command%% *}" != brew ]; then
    say 'redis-server is missing. It can be installed with:' "  sudo sh -c '$command'"
    [ -t 0 ] || give_up 'Run this, then start again.'
    local answer
    read -r -p 'Run it now? [y/N] ' answer
    [[ $answer == [yY]* ]] || exit 1
    command="sudo sh -c '$command'"
  fi
  say "Installing redis-server ($command) …"
  install_without_service "$command" >&2 || true
  redis_on_path || give_up 'There is still no redis-server or valkey-server on the PATH: see above.'
}

# Installs a package that only some tests need, for root and with apt: nobody is asked, and nothing ends where it cannot be done.
# Usage: try_install PACKAGE [FUNCTION]     FUNCTION: what runs the command
try_install() {
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then return; fi
  local command
  command=$(apt_install_command "$1")
  say "Installing $1 ($command) …"
  "${2:-run_command}" "$command" </dev/null >&2 || true
}

run_command() { sh -c "$1"; }

compose_works() { docker-compose version >/dev/null 2>&1 || docker compose version >/dev/null 2>&1; }

# Without an engine: Compose reads files alone.
ensure_compose() {
  compose_works || try_install docker-compose
  compose_works || say 'There is no Docker Compose on the PATH: the test that gives it docker-compose.yml is left out.'
}

chromium_works() {
  local name
  for name in chromium chromium-browser google-chrome; do "$name" --version >/dev/null 2>&1 && return; done
  return 1
}

ensure_chromium() {
  chromium_works || try_install chromium
  chromium_works || say 'There is no Chromium on the PATH: the tests of the dashboard in a browser are left out.'
}

clock_works() { faketime -m -f +0s true >/dev/null 2>&1; }

ensure_faketime() {
  clock_works || try_install faketime
  clock_works || say 'There is no faketime on the PATH: the tests that set the clock are left out.'
}

# Of Prometheus, whose server must not start.
ensure_promtool() {
  command -v promtool >/dev/null || try_install prometheus install_without_service
  command -v promtool >/dev/null || say 'There is no promtool on the PATH: the test of the alerting rules is left out.'
}

apt_install_command() {
  printf 'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends %s' "$1"
}

# The shell command that installs the server, for root (for the user, with brew).
redis_install_command() {
  if command -v apt-get >/dev/null; then
    apt_install_command redis-server
  elif command -v dnf >/dev/null; then
    printf '%s' 'dnf install -y -q redis || dnf install -y -q valkey'
  elif command -v apk >/dev/null; then
    printf '%s' 'apk add --quiet redis'
  elif command -v pacman >/dev/null; then
    printf '%s' 'pacman -Sy --noconfirm --quiet valkey'
  elif command -v zypper >/dev/null; then
    printf '%s' 'zypper --non-interactive --quiet install redis || zypper --non-interactive --quiet install valkey'
  elif command -v brew >/dev/null; then
    printf '%s' 'brew install --quiet redis'
  else
    return 1
  fi
}

# Forewarm starts a server of its own: the package's service must neither start nor stay enabled. A subshell, for its traps.
install_without_service() (
  as_root=() policy=$policy_file kept=''
  [ "$(id -u)" = 0 ] || as_root=(sudo)
  restore_policy() {
    if [ -n "$kept" ]; then "${as_root[@]}" cp -p "$kept" "$policy" && rm -f "$kept"; else "${as_root[@]}" rm -f "$policy"; fi
  }
  if command -v apt-get >/dev/null; then
    # 101 means no.
    if [ -e "$policy" ]; then kept=$(mktemp) && cp -p "$policy" "$kept"; fi
    trap restore_policy EXIT
    trap 'exit 130' INT TERM
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
  fi
  sh -c "$1" </dev/null
  if [ -d /run/systemd/system ]; then
    for service in redis-server redis valkey prometheus; do
      "${as_root[@]}" systemctl disable --now "$service" >/dev/null 2>&1 || true
    done
  fi
)
