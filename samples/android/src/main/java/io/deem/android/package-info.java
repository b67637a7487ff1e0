/**
 * An application for Android that describes a picture, answers questions about it, and about what a
 * finger draws a line around; with an exported model, on the device alone.
 */
package io.deem.android;
