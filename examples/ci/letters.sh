#!/usr/bin/env bash
# What a reviewer wants to see of a newsletter: for each issue that changed since a revision its preview, both letters side by
# side, and one comment with all differences. Any CI can run it; the program `mimeo` has to be on the path.
#
#   DIRECTORY   the newsletter's folder (.)
#   BASE        the revision to compare with; without one there are previews only
#   ISSUES      names of issues, one on each line; without them those that changed since BASE
#   OUTPUT      the folder for NAME.html, NAME.diff.html and comment.md (mimeo-pages)
set -euo pipefail
directory=${DIRECTORY:-.}
base=${BASE:-}
output=${OUTPUT:-mimeo-pages}
mkdir -p "$output"
output=$(cd "$output" && pwd)

# Issues are `issues/NAME.md` or `issues/NAME/index.md`; the names may have spaces.
changed() {
    git -C "$directory" -c core.quotePath=false diff --relative --name-only --diff-filter=AMR "$base" -- issues |
        sed -nE 's#^issues/([^/]+)(/.*)?$#\1#p' | sed -E 's/\.(md|markdown|mdown|mkd)$//' | sort -u
}

issues=${ISSUES:-}
if [ -z "$issues" ] && [ -n "$base" ]; then issues=$(changed); fi

comment=$output/comment.md
: >"$comment"
while IFS= read -r issue; do
    [ -n "$issue" ] || continue
    mimeo -C "$directory" preview "$issue" --static "$output/$issue.html"
    printf '### %s\n\n' "${issue//[^[:alnum:] ._-]/?}" >>"$comment"
    if [ -z "$base" ]; then continue; fi
    if difference=$(mimeo -C "$directory" --color never diff "$issue" "$base" --page "$output/$issue.diff.html" 2>/dev/null); then
        # The fence is longer than any that an issue would have.
        printf '~~~~~~~~diff\n%s\n~~~~~~~~\n\n' "$(head -c 12000 <<<"$difference")" >>"$comment"
    else
        printf 'A new issue.\n\n' >>"$comment"
    fi
done <<<"$issues"
