/**
 * From pictures to the numbers that a network takes, and back: Pillow's resizing to the bit, the
 * framings of the models DEEM is made of, and interpolation and position tables as torch has them.
 */
package io.deem.image;
