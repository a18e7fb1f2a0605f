#!/bin/sh
# Small, fast students of the bundled model, German to English, from text to scores:
#   training/recipes/distil.sh /path/to/en-de [RUNS] [DECODER-LAYERS ...]
# The folder holds train, dev and test with tatoeba.de.gz and tatoeba.en.gz. A decoder is written as its number of layers
# and what they mix with, such as 1-ssru, or as 1-ssru-references for a student that the teacher has not taught. What was
# killed goes on with the same command. The commands are those of the training environment.
set -eu
data=$(realpath "$1")
mkdir -p "${2:-runs}"
runs=$(realpath "${2:-runs}")
shift "$(($# > 2 ? 2 : $#))"
[ $# -gt 0 ] || set -- 1-ssru 2-ssru 1-attention 2-attention 1-ssru-references
text=$runs/distil-text
cd "$(dirname "$0")/../.."

mkdir -p "$text"
for part in train dev test; do
  for language in de en; do
    gzip -cd "$data/$part/tatoeba.$language.gz" > "$text/$part.$language"
  done
done
ferry-translate --model models/en-de --source de --target en --beam-size 4 \
  --input "$text/train.de" --output "$text/train.distilled.en"

for student in "$@"; do
  run=$runs/distilled-$student
  mixing=${student#*-}
  set -- --set "data.root=$text" --set "run.dir=$run" \
    --set "model.num_decoder_layers=${student%%-*}" --set "model.decoder_mixing=${mixing%-references}"
  case $student in
    *-references) set -- "$@" --set 'corpora=[{name="references",languages=["de","en"],files=["train.de","train.en"],directions=["de-en"]}]' ;;
  esac
  [ ! -e "$run/checkpoints/last" ] || set -- "$@" --resume
  ferry-train training/recipes/distilled-de-en.toml "$@"
  [ -e "$run/bundle" ] || ferry-export "$run/checkpoints/best" "$run/bundle" --precision int8 --beam-size 1 \
    --calibration-source "de=$text/dev.de"
  ferry-evaluate "$run/bundle" --test tatoeba de en "$text/test.de" "$text/test.en"
done
