/**
 * What each operation of the graph should return, in plain Java, and a small whole model: the tests
 * of every engine and runtime use them.
 */
package io.deem.cases;
