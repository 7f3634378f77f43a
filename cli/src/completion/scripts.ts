import { COMPLETE_COMMAND, type Shell } from './shells.ts'

// What a server calls its tools ends up in these shells: candidates are read line by line as data and never evaluated, split or globbed.

const BASH = `# bash completion of latchkey
_latchkey_complete() {
  local candidate
  COMPREPLY=()
  while IFS= read -r candidate; do
    COMPREPLY+=("$candidate")
  done < <("\${COMP_WORDS[0]}" ${COMPLETE_COMMAND} bash "\${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2>/dev/null </dev/null)
}
complete -o nospace -F _latchkey_complete latchkey
`

const ZSH = `#compdef latchkey
# zsh completion of latchkey
_latchkey() {
  local line value
  local -a values opened shown openedShown
  while IFS= read -r line; do
    value="\${line%%$'\\t'*}"
    if [[ "$value" == *= ]]; then
      opened+=("$value"); openedShown+=("\${line/$'\\t'/  -- }")
    else
      values+=("$value"); shown+=("\${line/$'\\t'/  -- }")
    fi
  done < <("\${words[1]}" ${COMPLETE_COMMAND} zsh "\${(@Q)words[2,CURRENT]}" 2>/dev/null </dev/null)
  (( \${#values} )) && compadd -l -d shown -a values
  (( \${#opened} )) && compadd -S '' -l -d openedShown -a opened
  return 0
}
if [[ "$funcstack[1]" == _latchkey ]]; then
  _latchkey "$@"
else
  compdef _latchkey latchkey
fi
`

const FISH = `# fish completion of latchkey
function __latchkey_complete
  set -l tokens (commandline -opc)
  set -l current (commandline -ct)
  set -e tokens[1]
  command latchkey ${COMPLETE_COMMAND} fish $tokens "$current" 2>/dev/null </dev/null
end
complete -c latchkey -f -a '(__latchkey_complete)'
`

/** The script that teaches a shell to complete command lines. */
export function completionScript(shell: Shell): string {
  return { bash: BASH, zsh: ZSH, fish: FISH }[shell]
}
