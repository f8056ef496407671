#!/bin/sh
# Copies the shop database beside itself with today's date.
set -eu
cp shop.db "shop-$(date +%F).db"
