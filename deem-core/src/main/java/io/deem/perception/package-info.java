/** Puts networks, text, pictures and searches together: what a perceiver does with a picture. */
package io.deem.perception;
