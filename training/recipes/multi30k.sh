#!/bin/sh
# Multi30k from text to a score, in one direction:
#   training/recipes/multi30k.sh /path/to/multi30k en-de [RUNS]
# The folder holds train, val and test_2016_flickr as .en.gz and .de.gz. What was killed goes on with the same command, and
# the second direction takes over what the first has made for both. The commands are those of the training environment.
set -eu
data=$(realpath "$1") pair=$2
mkdir -p "${3:-runs}"
runs=$(realpath "${3:-runs}")
source=${pair%-*} target=${pair#*-}
text=$runs/multi30k-text
cd "$(dirname "$0")/../.."

# Train the recipe multi30k-$1.toml, starting from the best of multi30k-$2 if that is given.
train() {
  run=$runs/multi30k-$1
  set -- "$1" ${2:+--set "run.init_from=$runs/multi30k-$2/checkpoints/best"}
  [ ! -e "$run/checkpoints/last" ] || set -- "$@" --resume
  name=$1
  shift
  ferry-train "training/recipes/multi30k-$name.toml" --set "data.root=$text" --set "run.dir=$run" "$@"
}

# Make a bundle of the best checkpoint of multi30k-$1.
pack() {
  [ -e "$runs/multi30k-$1/bundle" ] ||
    ferry-export "$runs/multi30k-$1/checkpoints/best" "$runs/multi30k-$1/bundle" --precision fp32 --beam-size 5
}

# What the joint model makes of the training text, from language $1 to $2.
translate() {
  gzip -cd "$data/train.$1.gz" > "$text/train.$1"
  ferry-translate --model "$runs/multi30k-joint/bundle" --source "$1" --target "$2" --length-penalty 1.4 \
    --input "$text/train.$1" --output "$text/train.own.$2"
}

mkdir -p "$text"
ln -sf "$data"/*.en.gz "$data"/*.de.gz "$text"
train joint ''
pack joint
translate en de
translate de en
train "$pair" joint
train "$pair-final" "$pair"
pack "$pair-final"
ferry-evaluate "$runs/multi30k-$pair-final/bundle" --lowercase --length-penalty 1.4 \
  --test val "$source" "$target" "$data/val.$source.gz" "$data/val.$target.gz" \
  --test test_2016_flickr "$source" "$target" "$data/test_2016_flickr.$source.gz" "$data/test_2016_flickr.$target.gz"
