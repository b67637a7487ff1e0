/** What each operation of the graph should return, in plain Java: every engine's tests run it. */
package io.deem.cases;
