package io.deem.mini;

import java.util.Optional;

/**
 * An object of a scene. Lengths are shares of the canvas.
 *
 * @param concept what it is
 * @param x middle of its box from the left, 0 to 1
 * @param y middle of its box from the top, 0 to 1
 * @param size longer side of its ink before turning
 * @param degrees how far it is turned, clockwise as seen
 * @param box box around its ink after turning
 * @param color the one colour name that holds for it as drawn here; empty where none or several do
 */
public record PlacedObject(
    Concept concept,
    double x,
    double y,
    double size,
    double degrees,
    Box box,
    Optional<String> color) {}
