/** The recipe that trains deem-mini, stage by stage, from the pictures and weights beside it. */
package io.deem.mini.recipe;
