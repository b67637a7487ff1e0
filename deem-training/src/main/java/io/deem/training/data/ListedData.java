package io.deem.training.data;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A data set whose items are all listed when it is opened. */
final class ListedData implements DataSet {

  /** Makes one sample. */
  @FunctionalInterface
  interface Entry {
    Sample sample() throws IOException;
  }

  private final String name;
  private final List<Path> annotations;
  private final List<Entry> entries;

  private ListedData(String name, List<Path> annotations, List<Entry> entries) {
    this.name = name;
    this.annotations = List.copyOf(annotations);
    this.entries = entries;
  }

  /** Collects entries. */
  static final class Builder {
    private final List<Entry> entries = new ArrayList<>();

    void add(Entry entry) {
      entries.add(entry);
    }

    /** Adds what a reader makes; if it fails, the item is broken and the others stay whole. */
    void addRead(String id, Reading reading) {
      try {
        entries.addAll(reading.read());
      } catch (IOException | IllegalArgumentException e) {
        String reason = id + ": " + e.getMessage();
        entries.add(
            () -> {
              throw new IOException(reason, e);
            });
      }
    }

    ListedData build(String name, List<Path> annotations) throws IOException {
      if (entries.isEmpty()) {
        throw new IOException(annotations.get(0) + ": has no samples");
      }
      return new ListedData(name, annotations, entries);
    }
  }

  /** Reads the entries of one item. */
  @FunctionalInterface
  interface Reading {
    List<Entry> read() throws IOException;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public long size() {
    return entries.size();
  }

  @Override
  public Sample sample(long index) throws IOException {
    return entries.get(Math.toIntExact(index)).sample();
  }

  @Override
  public List<Path> annotations() {
    return annotations;
  }
}
