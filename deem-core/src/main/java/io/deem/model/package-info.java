/** The networks that DEEM is made of. Each names its weights as published checkpoints do. */
package io.deem.model;
