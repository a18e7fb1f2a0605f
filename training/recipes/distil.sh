#!/bin/sh
# Small, fast students of the bundled model, German to English, from text to scores:
#   training/recipes/distil.sh /path/to/en-de runs "1-ssru 2-attention 1-ssru-references" [--set run.device=cuda ...]
# The folder holds train, dev and test with tatoeba.de.gz and tatoeba.en.gz. A student is named by the layers of its decoder and
# what they mix with; -references is one that the teacher has not taught. What follows them is for each ferry-train. What was
# killed goes on with the same command. The commands are those of the training environment.
set -eu
data=$(realpath "$1")
mkdir -p "$2"
runs=$(realpath "$2")
students=$3
shift 3
text=$runs/distil-text
recipes=$(dirname "$0")
teacher=$(realpath "$recipes/../../models/en-de")

mkdir -p "$text"
for part in train dev test; do
  for language in de en; do
    gzip -cd "$data/$part/tatoeba.$language.gz" > "$text/$part.$language"
  done
done
[ -e "$text/train.distilled.en" ] || ferry-translate --model "$teacher" --source de --target en --beam-size 4 \
  --input "$text/train.de" --output "$text/train.distilled.en"

# Train the student $1 with the other arguments.
train() {
  student=$1
  shift
  mixing=${student#*-}
  [ "$mixing" = "${mixing%-references}" ] ||
    set -- --set 'corpora=[{name="references",languages=["de","en"],files=["train.de","train.en"],directions=["de-en"]}]' "$@"
  [ ! -e "$runs/distilled-$student/checkpoints/last" ] || set -- --resume "$@"
  ferry-train "$recipes/distilled-de-en.toml" --set "data.root=$text" --set "run.dir=$runs/distilled-$student" \
    --set "tokenizer.path=$teacher/tokenizer.model" --set "model.num_decoder_layers=${student%%-*}" \
    --set "model.decoder_mixing=${mixing%-references}" "$@"
}

for student in $students; do
  train "$student" "$@"
  bundle=$runs/distilled-$student/bundle
  [ -e "$bundle" ] || ferry-export "$runs/distilled-$student/checkpoints/best" "$bundle" --precision int8 --beam-size 1 \
    --calibration-source "de=$text/dev.de"
  ferry-evaluate "$bundle" --test tatoeba de en "$text/test.de" "$text/test.en"
done
