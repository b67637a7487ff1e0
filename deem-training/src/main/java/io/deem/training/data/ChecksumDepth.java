package io.deem.training.data;

/** How the pictures of a data set enter its checksum. */
public enum ChecksumDepth {
  /** By name and length, which is quick. */
  LENGTHS,
  /** By name and content. */
  CONTENTS
}
