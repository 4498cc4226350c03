#!/usr/bin/env bash
# Reviews recipes: findings as annotations on standard output; plans and differences as Markdown in the step's summary, and
# in a comment of the pull request. Exits 1 if a recipe has findings that are errors.
#
#   PARE      the program
#   RECIPES   file names or patterns
#   BASE      revision to compare with; may be empty
#   STRICT    true: warnings fail too
#   COMMENT   number of the pull request to comment on, or empty
#   RUNNER_TEMP, GITHUB_STEP_SUMMARY, GITHUB_OUTPUT, GITHUB_REPOSITORY   as GitHub sets them
set -euo pipefail

markdown="$RUNNER_TEMP/pare-review.md"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
marker='<!-- pare review -->'
limit=60000 # bytes; GitHub takes comments of 65,536 characters

BASE="${BASE:-}" STRICT="${STRICT:-}" COMMENT="${COMMENT:-}"
shopt -s globstar nullglob
recipes=()
while IFS= read -r pattern; do
  [[ -n "$pattern" ]] || continue
  matches=()
  # A pattern is expanded here; a name without a pattern in it must be there.
  if [[ "$pattern" == *[\*\?\[]* ]]; then
    # shellcheck disable=SC2206
    matches=($pattern)
  elif [[ -f "$pattern" ]]; then
    matches=("$pattern")
  else
    echo "::error title=pare::there is no recipe $pattern"
    exit 1
  fi
  for m in "${matches[@]}"; do
    [[ "$m" == *_test.yaml || "$m" == *_test.yml ]] || recipes+=("./$m")
  done
done < <(tr -s ' \t' '\n' <<<"$RECIPES")
if [[ ${#recipes[@]} -eq 0 ]]; then
  echo "::notice title=pare::no recipe matches $RECIPES"
  exit 0
fi

# The base may not be in a shallow clone.
if [[ "$BASE" =~ ^0*$ ]]; then
  BASE=""
elif ! git cat-file -e "$BASE^{commit}" 2>/dev/null; then
  git fetch --quiet --no-tags --depth=1 origin "$BASE" || BASE=""
fi

# quoted prints a file as a block of Markdown that nothing in the file can end.
quoted() {
  local fence='```'
  while grep -qF "$fence" "$1"; do fence="$fence\`"; done
  printf '%s\n' "$fence"
  cat "$1"
  printf '%s\n' "$fence"
}

failed=0
strict=()
[[ "$STRICT" == true ]] && strict=(--strict)

# Annotations. In text form for the comment too, for those who do not look at the lines.
code=0
"$PARE" lint --format github "${strict[@]}" "${recipes[@]}" || code=$?
((code <= 1)) || exit "$code"
((code == 0)) || failed=1
NO_COLOR=1 "$PARE" lint "${strict[@]}" "${recipes[@]}" >"$work/lint" || true

{
  echo "$marker"
  echo "## Recipes"
  echo
  if grep -q ': no findings$' "$work/lint"; then
    tail -n 1 "$work/lint"
  else
    quoted "$work/lint"
  fi
  for recipe in "${recipes[@]}"; do
    name="${recipe#./}"
    echo
    if [[ -z "$BASE" ]]; then
      echo "### \`$name\`"
    elif ! git cat-file -e "$BASE:$recipe" 2>/dev/null; then
      printf '### `%s`\n\nA new recipe.\n' "$name"
    elif "$PARE" diff --markdown "$BASE:$name" "$recipe" >"$work/diff" 2>"$work/said"; then
      cat "$work/diff" # with a heading of its own
    else
      printf '### `%s`\n\nWhat changes cannot be shown:\n\n' "$name"
      quoted "$work/said"
    fi
    if "$PARE" plan "$recipe" >"$work/plan" 2>"$work/said"; then
      printf '\n<details><summary>Plan</summary>\n\n'
      quoted "$work/plan"
      printf '\n</details>\n'
    else
      printf '\nThere is no plan:\n\n'
      quoted "$work/said"
    fi
  done
} >"$markdown"

cat "$markdown" >>"${GITHUB_STEP_SUMMARY:-/dev/null}"
echo "markdown=$markdown" >>"${GITHUB_OUTPUT:-/dev/null}"

if [[ -n "$COMMENT" ]]; then
  body="$work/body"
  head -c "$limit" "$markdown" | iconv -c -f utf-8 -t utf-8 >"$body"
  if (($(wc -c <"$markdown") > limit)); then
    printf '\n\nThe rest is in the summary of the run.\n' >>"$body"
  fi
  # A pull request from a fork may have no right to comment; the summary has it all.
  url="repos/$GITHUB_REPOSITORY/issues/$COMMENT/comments"
  old="$(gh api --paginate "$url" --jq ".[] | select(.body | startswith(\"$marker\")) | .id" | head -n 1)" || old=""
  if [[ -n "$old" ]]; then
    gh api --silent --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$old" -F "body=@$body" ||
      echo "::notice title=pare::the comment could not be written; the result is in the summary"
  else
    gh api --silent --method POST "$url" -F "body=@$body" ||
      echo "::notice title=pare::the comment could not be written; the result is in the summary"
  fi
fi
exit "$failed"
