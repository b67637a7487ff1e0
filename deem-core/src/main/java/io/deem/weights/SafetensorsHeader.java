package io.deem.weights;

import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import com.google.gson.stream.MalformedJsonException;
import io.deem.json.ErrorText;
import java.io.EOFException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The header of a safetensors file, read and checked in full: eight bytes of length, a JSON object
 * of that length, then the data section, which the tensors must cover without gap or overlap.
 *
 * <p>Nothing in the file is trusted: every number is checked against the file's size before it is
 * used, and the JSON is streamed, so that what is allocated stays in proportion to the file.
 */
final class SafetensorsHeader {
  /** Longest header accepted, as in the format's own implementation. */
  static final long LONGEST_HEADER = 100L << 20;

  private static final int LENGTH_BYTES = Long.BYTES;
  private static final int MOST_DIMENSIONS = 32;
  private static final String METADATA = "__metadata__";

  private final String file;
  private final long dataStart;
  private final long dataLength;
  private final Map<String, TensorInfo> parsed = new LinkedHashMap<>();
  private Map<String, String> metadata;

  private SafetensorsHeader(String file, long dataStart, long dataLength) {
    this.file = file;
    this.dataStart = dataStart;
    this.dataLength = dataLength;
  }

  /** Reads the header from the channel's start. */
  static SafetensorsHeader read(String file, FileChannel channel) throws IOException {
    long size = channel.size();
    if (size < LENGTH_BYTES) {
      throw new MalformedWeightsException(
          file + ": " + size + " bytes is too short for a safetensors file");
    }
    ByteBuffer lengthBytes = ByteBuffer.allocate(LENGTH_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    channel.position(0);
    while (lengthBytes.hasRemaining()) {
      if (channel.read(lengthBytes) < 0) {
        throw new MalformedWeightsException(file + ": the file ends inside its header length");
      }
    }
    long length = lengthBytes.getLong(0);
    if (length < 0 || length > size - LENGTH_BYTES) {
      throw new MalformedWeightsException(
          String.format(
              "%s: header length %s is beyond the file's %d bytes (cut short, or not safetensors)",
              file, Long.toUnsignedString(length), size));
    }
    if (length > LONGEST_HEADER) {
      throw new MalformedWeightsException(
          file + ": header length " + length + " is over the limit of " + LONGEST_HEADER);
    }
    long dataStart = LENGTH_BYTES + length;
    SafetensorsHeader header = new SafetensorsHeader(file, dataStart, size - dataStart);
    header.parse(new Bounded(Channels.newInputStream(channel), length));
    return header;
  }

  /** The tensors in the order of their data; the map cannot be changed. */
  Map<String, TensorInfo> tensors() {
    return Collections.unmodifiableMap(parsed);
  }

  /** The free-form metadata; empty when there is none. */
  Map<String, String> metadata() {
    return metadata == null ? Map.of() : Collections.unmodifiableMap(metadata);
  }

  private void parse(InputStream bytes) throws IOException {
    InputStreamReader text =
        new InputStreamReader(
            bytes,
            StandardCharsets.UTF_8
                .newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT));
    JsonReader json = new JsonReader(text);
    json.setStrictness(Strictness.STRICT);
    try {
      readObject(json);
    } catch (CharacterCodingException e) {
      throw new MalformedWeightsException(file + ": header is not UTF-8", e);
    } catch (EOFException e) {
      throw new MalformedWeightsException(file + ": header's JSON ends too early", e);
    } catch (MalformedJsonException e) {
      throw new MalformedWeightsException(
          file + ": header is not valid JSON" + ErrorText.place(e), e);
    }
    checkCoverage();
  }

  private void readObject(JsonReader json) throws IOException {
    expect(json, JsonToken.BEGIN_OBJECT, "header");
    json.beginObject();
    while (json.hasNext()) {
      String name = json.nextName();
      if (name.equals(METADATA)) {
        readMetadata(json);
      } else {
        TensorInfo info = readTensor(json, name);
        if (parsed.put(name, info) != null) {
          throw malformed(name, "is in the header twice");
        }
      }
    }
    json.endObject();
    requireEnd(json);
  }

  private void requireEnd(JsonReader json) throws IOException {
    // A strict reader itself refuses anything but spaces here.
    if (json.peek() != JsonToken.END_DOCUMENT) {
      throw new MalformedWeightsException(file + ": header has text after its JSON object");
    }
  }

  private void readMetadata(JsonReader json) throws IOException {
    if (metadata != null) {
      throw new MalformedWeightsException(file + ": header has " + METADATA + " twice");
    }
    metadata = new LinkedHashMap<>();
    expect(json, JsonToken.BEGIN_OBJECT, METADATA);
    json.beginObject();
    while (json.hasNext()) {
      String key = json.nextName();
      expect(json, JsonToken.STRING, METADATA + " entry " + ErrorText.quote(key));
      if (metadata.put(key, json.nextString()) != null) {
        throw new MalformedWeightsException(
            file + ": " + METADATA + " has " + ErrorText.quote(key) + " twice");
      }
    }
    json.endObject();
  }

  private TensorInfo readTensor(JsonReader json, String name) throws IOException {
    String of = "tensor " + ErrorText.quote(name);
    ElementType type = null;
    long[] shape = null;
    long[] offsets = null;
    expect(json, JsonToken.BEGIN_OBJECT, of);
    json.beginObject();
    while (json.hasNext()) {
      String key = json.nextName();
      boolean again;
      switch (key) {
        case "dtype" -> {
          again = type != null;
          type = readType(json, name);
        }
        case "shape" -> {
          again = shape != null;
          shape = readIntegers(json, name, "shape", MOST_DIMENSIONS);
        }
        case "data_offsets" -> {
          again = offsets != null;
          offsets = readIntegers(json, name, "data_offsets", 2);
        }
        default -> throw malformed(name, "has the unknown field " + ErrorText.quote(key));
      }
      if (again) {
        throw malformed(name, "has " + key + " twice");
      }
    }
    json.endObject();
    if (type == null || shape == null || offsets == null) {
      String missing = type == null ? "dtype" : shape == null ? "shape" : "data_offsets";
      throw malformed(name, "has no " + missing);
    }
    return checked(name, type, shape, offsets);
  }

  private ElementType readType(JsonReader json, String name) throws IOException {
    expect(json, JsonToken.STRING, "dtype of tensor " + ErrorText.quote(name));
    String found = json.nextString();
    ElementType type = ElementType.named(found);
    if (type == null) {
      throw malformed(
          name,
          "has dtype "
              + ErrorText.quote(found)
              + "; known are "
              + Arrays.toString(ElementType.values()));
    }
    return type;
  }

  private long[] readIntegers(JsonReader json, String name, String field, int most)
      throws IOException {
    String of = field + " of tensor " + ErrorText.quote(name);
    expect(json, JsonToken.BEGIN_ARRAY, of);
    json.beginArray();
    List<Long> numbers = new ArrayList<>();
    while (json.hasNext()) {
      expect(json, JsonToken.NUMBER, "entry of " + of);
      if (numbers.size() == most) {
        throw malformed(name, "has more than " + most + " entries in " + field);
      }
      String text = json.nextString();
      if (!text.matches("0|[1-9][0-9]*")) {
        throw malformed(name, "has " + ErrorText.quote(text) + " in " + field);
      }
      try {
        numbers.add(Long.parseLong(text));
      } catch (NumberFormatException e) {
        throw malformed(name, "has " + ErrorText.quote(text) + " in " + field + ": too large");
      }
    }
    json.endArray();
    return numbers.stream().mapToLong(Long::longValue).toArray();
  }

  private TensorInfo checked(String name, ElementType type, long[] shape, long[] offsets)
      throws MalformedWeightsException {
    if (offsets.length != 2) {
      throw malformed(name, "has " + offsets.length + " data_offsets, expected 2");
    }
    long begin = offsets[0];
    long end = offsets[1];
    if (begin > end || end > dataLength) {
      throw malformed(
          name,
          String.format(
              "has data_offsets [%d, %d], outside the data section of %d bytes (file cut short?)",
              begin, end, dataLength));
    }
    long bytes;
    try {
      bytes = type.bytes();
      // A later zero would hide an overflow of the product before it, as in [2^62, 4, 0].
      for (long dimension : shape) {
        bytes = Math.multiplyExact(bytes, Math.max(1, dimension));
      }
    } catch (ArithmeticException e) {
      throw malformed(name, "has shape " + Arrays.toString(shape) + ", whose size overflows");
    }
    if (Arrays.stream(shape).anyMatch(dimension -> dimension == 0)) {
      bytes = 0;
    }
    if (bytes != end - begin) {
      throw malformed(
          name,
          String.format(
              "is %s%s, %d bytes, but its data_offsets [%d, %d] hold %d",
              type, Arrays.toString(shape), bytes, begin, end, end - begin));
    }
    return new TensorInfo(name, type, shape, dataStart + begin, bytes);
  }

  /** Puts the tensors in the order of their data and makes sure that they cover it exactly. */
  private void checkCoverage() throws MalformedWeightsException {
    List<TensorInfo> ordered = new ArrayList<>(parsed.values());
    ordered.sort(
        Comparator.comparingLong(TensorInfo::offset).thenComparingLong(TensorInfo::length));
    parsed.clear();
    long covered = dataStart;
    String before = null;
    for (TensorInfo info : ordered) {
      if (info.offset() < covered) {
        throw malformed(info.name(), "overlaps tensor " + ErrorText.quote(before));
      }
      if (info.offset() > covered) {
        throw malformed(
            info.name(), "leaves a gap of " + (info.offset() - covered) + " bytes before it");
      }
      covered += info.length();
      before = info.name();
      parsed.put(info.name(), info);
    }
    long left = dataStart + dataLength - covered;
    if (left != 0) {
      throw new MalformedWeightsException(
          file + ": " + left + " bytes after the last tensor belong to none");
    }
  }

  private void expect(JsonReader json, JsonToken wanted, String what) throws IOException {
    JsonToken found = json.peek();
    if (found != wanted) {
      throw new MalformedWeightsException(
          String.format("%s: %s is %s, expected %s", file, what, words(found), words(wanted)));
    }
  }

  private static String words(JsonToken token) {
    return switch (token) {
      case BEGIN_OBJECT -> "a JSON object";
      case BEGIN_ARRAY -> "a JSON array";
      case STRING -> "a JSON string";
      case NUMBER -> "a JSON number";
      case BOOLEAN -> "a JSON boolean";
      case NULL -> "null";
      default -> "no JSON value";
    };
  }

  private MalformedWeightsException malformed(String name, String found) {
    return new MalformedWeightsException(file + ": tensor " + ErrorText.quote(name) + " " + found);
  }

  /** The first bytes of a stream; closing it leaves the stream open. */
  private static final class Bounded extends FilterInputStream {
    private long left;

    Bounded(InputStream in, long length) {
      super(in);
      left = length;
    }

    @Override
    public int read() throws IOException {
      if (left == 0) {
        return -1;
      }
      left--;
      return in.read();
    }

    @Override
    public int read(byte[] bytes, int from, int count) throws IOException {
      if (left == 0) {
        return -1;
      }
      int read = in.read(bytes, from, (int) Math.min(count, left));
      left -= Math.max(0, read);
      return read;
    }

    @Override
    public void close() {}
  }
}
