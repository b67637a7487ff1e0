package io.deem.graph;

import io.deem.portable.Buffers;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;

/**
 * Direct buffers, used again. Engines alias the memory of a tensor made from Java's numbers; were
 * it allocated anew each time, it would be freed only when the garbage collector happens to run,
 * and the process would grow meanwhile. Safe for use from many threads.
 */
public final class BufferPool {

  private static final int SMALLEST = 64;

  private final Map<Integer, Deque<ByteBuffer>> free = new HashMap<>();

  /** An empty pool. */
  public BufferPool() {}

  /** A buffer with room for {@code bytes}, whose limit is {@code bytes}. */
  public synchronized ByteBuffer take(int bytes) {
    int capacity = capacity(bytes);
    Deque<ByteBuffer> fitting = free.get(capacity);
    ByteBuffer buffer = fitting == null ? null : fitting.poll();
    if (buffer == null) {
      buffer = ByteBuffer.allocateDirect(capacity).order(ByteOrder.nativeOrder());
    }
    return Buffers.limit(Buffers.clear(buffer), bytes);
  }

  /** Gives back a buffer that no tensor aliases any more. */
  public synchronized void give(ByteBuffer buffer) {
    free.computeIfAbsent(buffer.capacity(), key -> new ArrayDeque<>()).push(buffer);
  }

  private static int capacity(int bytes) {
    int capacity = SMALLEST;
    while (capacity < bytes) {
      capacity = Math.multiplyExact(capacity, 2);
    }
    return capacity;
  }
}
