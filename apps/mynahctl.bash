# Completion of mynahctl in bash. Before it stands $_mynahctl_rows, made of the table of commands: a line holds the words of a command,
# what stands for its arguments (not in lower case, or lower case words with | between them), and its options, with =VALUE where they
# take one, short ones too; options alone go with every command.

# What may be written for $1.
_mynahctl_value() {
    case ${1//[][]/} in
    FILE | PATH) files=f ;;
    DIR) files=d ;;
    [[:lower:]]*) next+=(${1//|/ }) ;;
    esac
}

_mynahctl() {
    local cur=${COMP_WORDS[COMP_CWORD]} words=() next=() row files= option= word i
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $word == -?* ]]; then
            option=
            [[ $word == --* ]] || word=-${word: -1} # the last of several letters may take a value
            [[ $_mynahctl_rows != *" $word="* ]] || option=$word
        elif [[ $word != = ]]; then
            [[ $option ]] || words+=("$word")
            option=
        fi
    done
    [[ $cur != = ]] || cur=
    if [[ $option ]]; then
        word=${_mynahctl_rows#*" $option="}
        _mynahctl_value "${word%%[[:space:]]*}"
    else
        while read -ra row; do
            i=0
            for word in "${row[@]}"; do
                if [[ $word == -* ]]; then
                    [[ $cur != -* || $word != --* ]] || next+=("${word%%=*}")
                elif ((i < ${#words[@]})); then
                    [[ $word != [[:lower:]]* || $word == *'|'* || $word == "${words[i]}" ]] || continue 2
                    ((++i))
                elif ((i++ == ${#words[@]})); then
                    _mynahctl_value "$word"
                    [[ $word != [[:lower:]]* || $word == *'|'* ]] || continue 2
                fi
            done
        done <<<"$_mynahctl_rows"
    fi
    mapfile -t COMPREPLY < <(
        compgen -W "${next[*]}" -- "$cur" | sort -u
        [[ ! $files ]] || compgen "-$files" -- "$cur"
    )
    [[ ! $files ]] || compopt -o filenames 2>/dev/null
}

complete -F _mynahctl mynahctl
