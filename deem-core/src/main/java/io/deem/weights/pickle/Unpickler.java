package io.deem.weights.pickle;

import io.deem.json.ErrorText;
import io.deem.weights.pickle.PickledNames.Named;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads pickles of tensors and plain containers, protocols 2 to 5, and of plain containers alone,
 * protocols 0 to 5 (Python's {@code pickletools} documents the opcodes). The names that a pickle
 * may use are those of {@link PickledNames}; the opcodes are those that such pickles need.
 *
 * <p>What comes out is made of {@link Map} (dictionaries), {@link List} (lists and tuples), {@link
 * StoredTensor}, {@code String}, {@code Long}, {@code Double}, {@code Boolean} and null. Memory
 * stays in proportion to the pickle's length.
 */
public final class Unpickler {

  private static final int OLDEST = 2;
  private static final int NEWEST = 5;

  private static final Object MARK = new Object();

  private final String origin;
  private final PickledNames names;
  private final ByteBuffer in;
  private final List<Object> stack = new ArrayList<>();
  private final Map<Integer, Object> memo = new HashMap<>();

  /** Whether there may be nothing but plain containers, so that no name is ever looked at. */
  private final boolean plain;

  private Unpickler(String origin, ByteBuffer pickle, boolean plain) {
    this.origin = origin;
    this.plain = plain;
    this.names = new PickledNames(origin);
    this.in = pickle.duplicate().order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * Reads one pickle.
   *
   * @param origin what to call it in messages
   * @throws MalformedPickleException if it is malformed, or names anything but tensors and plain
   *     containers
   */
  public static Object read(String origin, ByteBuffer pickle) throws MalformedPickleException {
    return read(new Unpickler(origin, pickle, false));
  }

  /**
   * Reads one pickle of dictionaries, lists, tuples, texts, numbers, truths and None. Pickles of
   * the old text protocol are read too, in which public annotation files are written.
   *
   * @param origin what to call it in messages
   * @throws MalformedPickleException if it is malformed, or names anything at all
   */
  public static Object readPlain(String origin, ByteBuffer pickle) throws MalformedPickleException {
    return read(new Unpickler(origin, pickle, true));
  }

  private static Object read(Unpickler reader) throws MalformedPickleException {
    try {
      return reader.run();
    } catch (BufferUnderflowException e) {
      throw new MalformedPickleException(reader.origin + ": ends too early", e);
    }
  }

  private Object run() throws MalformedPickleException {
    boolean marked = (in.get(in.position() + checked(0)) & 0xff) == 0x80;
    if (!marked && !plain) {
      throw malformed("is not a pickle of protocol " + OLDEST + " to " + NEWEST);
    }
    if (marked) {
      in.get();
      protocol();
    }
    while (true) {
      int opcode = in.get() & 0xff;
      if (opcode == '.') {
        return pop();
      }
      boolean known = constant(opcode) || container(opcode) || memory(opcode);
      known = known || (plain ? textual(opcode) : name(opcode));
      if (!known) {
        throw malformed(String.format("has the unsupported opcode 0x%02x", opcode));
      }
    }
  }

  private void protocol() throws MalformedPickleException {
    int protocol = in.get() & 0xff;
    if (protocol < OLDEST || protocol > NEWEST) {
      throw malformed("is a pickle of protocol " + protocol);
    }
  }

  // ---------------------------------------------------------------- opcodes

  /** Opcodes that push a value of their own. */
  private boolean constant(int opcode) throws MalformedPickleException {
    switch (opcode) {
      case 0x80 -> protocol();
      case 0x95 -> in.getLong(); // FRAME: only a hint for readers of streams
      case 'N' -> stack.add(null);
      case 0x88 -> stack.add(true);
      case 0x89 -> stack.add(false);
      case 'J' -> stack.add((long) in.getInt());
      case 'K' -> stack.add((long) (in.get() & 0xff));
      case 'M' -> stack.add((long) (in.getShort() & 0xffff));
      case 0x8a -> stack.add(integer(in.get() & 0xff));
      case 'G' -> stack.add(Double.longBitsToDouble(Long.reverseBytes(in.getLong())));
      case 'X', 'B', 'T' -> stack.add(text(in.getInt() & 0xffffffffL));
      case 0x8c, 'C', 'U' -> stack.add(text(in.get() & 0xff));
      case 0x8d -> stack.add(text(in.getLong()));
      default -> {
        return false;
      }
    }
    return true;
  }

  /** Opcodes that make and fill containers. */
  private boolean container(int opcode) throws MalformedPickleException {
    switch (opcode) {
      case '(' -> stack.add(MARK);
      case ')' -> stack.add(List.of());
      case 't', 'l' -> {
        List<Object> marked = popToMark();
        stack.add(marked);
      }
      case 0x85, 0x86, 0x87 -> stack.add(popLast(opcode - 0x84));
      case ']' -> stack.add(new ArrayList<>());
      case 'a' -> append(popLast(1));
      case 'e' -> append(popToMark());
      case '}' -> stack.add(new LinkedHashMap<>());
      case 'd' -> {
        List<Object> entries = popToMark();
        stack.add(new LinkedHashMap<>());
        fill(entries);
      }
      case 's' -> fill(popLast(2));
      case 'u' -> fill(popToMark());
      default -> {
        return false;
      }
    }
    return true;
  }

  /** Opcodes that keep, repeat and drop values. */
  private boolean memory(int opcode) throws MalformedPickleException {
    switch (opcode) {
      case '0' -> pop();
      case '1' -> popToMark();
      case '2' -> stack.add(top());
      case 'q' -> memo.put(in.get() & 0xff, top());
      case 'r' -> memo.put(in.getInt(), top());
      case 0x94 -> memo.put(memo.size(), top());
      case 'h' -> stack.add(remembered(in.get() & 0xff));
      case 'j' -> stack.add(remembered(in.getInt()));
      default -> {
        return false;
      }
    }
    return true;
  }

  /** Opcodes of the text protocol, whose operands are lines. */
  private boolean textual(int opcode) throws MalformedPickleException {
    switch (opcode) {
      case 'I', 'L' -> stack.add(PickledText.whole(origin, line()));
      case 'F' -> stack.add(PickledText.number(origin, line()));
      case 'S' -> stack.add(PickledText.quoted(origin, line()));
      case 'V' -> stack.add(PickledText.unescaped(origin, line(), false));
      case 'p' -> memo.put(PickledText.index(origin, line()), top());
      case 'g' -> stack.add(remembered(PickledText.index(origin, line())));
      default -> {
        return false;
      }
    }
    return true;
  }

  /** Opcodes that name things and call them. */
  private boolean name(int opcode) throws MalformedPickleException {
    switch (opcode) {
      case 'c' -> stack.add(names.find(line(), line()));
      case 0x93 -> {
        List<Object> parts = popLast(2);
        stack.add(names.find(String.valueOf(parts.get(0)), String.valueOf(parts.get(1))));
      }
      case 'R', 0x81 -> {
        List<Object> call = popLast(2);
        stack.add(names.call(call.get(0), call.get(1)));
      }
      case 'i' -> {
        Named callee = names.find(line(), line());
        stack.add(names.call(callee, popToMark()));
      }
      case 'b' -> {
        // The attributes of a state dict, its modules' versions, say nothing about tensors.
        pop();
        if (!(top() instanceof Map)) {
          throw malformed("sets the state of what is not a dictionary");
        }
      }
      case 'Q' -> stack.add(names.storage(pop()));
      default -> {
        return false;
      }
    }
    return true;
  }

  // ---------------------------------------------------------------- operands

  private String text(long length) throws MalformedPickleException {
    if (length < 0 || length > in.remaining()) {
      throw malformed("ends too early");
    }
    byte[] bytes = new byte[(int) length];
    in.get(bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private String line() throws MalformedPickleException {
    int length = 0;
    while (in.get(in.position() + checked(length)) != '\n') {
      length++;
    }
    String line = text(length);
    in.get();
    return line;
  }

  private int checked(int ahead) throws MalformedPickleException {
    if (ahead >= in.remaining()) {
      throw malformed("ends too early");
    }
    return ahead;
  }

  private long integer(int bytes) throws MalformedPickleException {
    if (bytes > Long.BYTES) {
      throw malformed("has an integer of " + bytes + " bytes");
    }
    long value = 0;
    for (int i = 0; i < bytes; i++) {
      value |= (in.get() & 0xffL) << (8 * i);
    }
    int unused = Long.SIZE - 8 * bytes;
    return bytes == 0 ? 0 : value << unused >> unused;
  }

  // ---------------------------------------------------------------- stack

  private Object top() throws MalformedPickleException {
    if (stack.isEmpty() || stack.get(stack.size() - 1) == MARK) {
      throw malformed("takes a value where there is none");
    }
    return stack.get(stack.size() - 1);
  }

  private Object pop() throws MalformedPickleException {
    Object top = top();
    stack.remove(stack.size() - 1);
    return top;
  }

  private List<Object> popLast(int count) throws MalformedPickleException {
    List<Object> values = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      values.add(0, pop());
    }
    return values;
  }

  private List<Object> popToMark() throws MalformedPickleException {
    int mark = stack.lastIndexOf(MARK);
    if (mark < 0) {
      throw malformed("takes values where there are none");
    }
    List<Object> tail = stack.subList(mark + 1, stack.size());
    List<Object> values = new ArrayList<>(tail);
    tail.clear();
    stack.remove(mark);
    return values;
  }

  @SuppressWarnings("unchecked") // lists on the stack are made here
  private void append(List<Object> values) throws MalformedPickleException {
    if (!(top() instanceof ArrayList<?> list)) {
      throw malformed("appends to what is not a list");
    }
    ((List<Object>) list).addAll(values);
  }

  @SuppressWarnings("unchecked") // maps on the stack are made here
  private void fill(List<Object> entries) throws MalformedPickleException {
    if (!(top() instanceof Map<?, ?> map) || entries.size() % 2 != 0) {
      throw malformed("sets entries of what is not a dictionary");
    }
    for (int i = 0; i < entries.size(); i += 2) {
      names.put((Map<Object, Object>) map, entries.get(i), entries.get(i + 1));
    }
  }

  private Object remembered(int index) throws MalformedPickleException {
    if (!memo.containsKey(index)) {
      throw malformed("repeats a value that it never kept: " + ErrorText.quote("" + index));
    }
    return memo.get(index);
  }

  private MalformedPickleException malformed(String found) {
    return new MalformedPickleException(origin + ": " + found);
  }
}
