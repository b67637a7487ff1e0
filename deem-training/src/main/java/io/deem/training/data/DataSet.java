package io.deem.training.data;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** Samples that can be asked for by number. Safe for use from many threads. */
public interface DataSet extends Closeable {

  /** A short name, for messages and reports. */
  String name();

  /** The number of samples. */
  long size();

  /**
   * A sample.
   *
   * @param index from 0 to {@link #size()} - 1
   * @throws IOException if this item is broken, in one line that names it; others may be whole
   */
  Sample sample(long index) throws IOException;

  /** The files that say what there is; pictures are not among them. */
  List<Path> annotations();

  /**
   * A SHA-256, in hexadecimal, of everything there is to learn: the annotation files and every
   * picture that a sample names. Equal data has an equal checksum wherever it lies.
   *
   * @param depth how pictures enter
   * @throws IOException if a file cannot be read
   */
  default String checksum(ChecksumDepth depth) throws IOException {
    return DataChecksum.of(this, depth);
  }

  @Override
  default void close() throws IOException {}
}
