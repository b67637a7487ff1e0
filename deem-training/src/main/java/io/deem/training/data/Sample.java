package io.deem.training.data;

import io.deem.text.prompt.RegionConversations.Turn;
import java.util.List;
import java.util.Optional;

/** One item of a data set. Its pictures are read when they are needed. */
public sealed interface Sample {

  /** Its name within the data set, for messages. */
  String id();

  /** Its pictures, each once. */
  List<ImageSource> images();

  /** A picture about which nothing is said. */
  record Picture(String id, ImageSource image) implements Sample {
    @Override
    public List<ImageSource> images() {
      return List.of(image);
    }
  }

  /**
   * A picture and what it shows.
   *
   * @param captions at least one; several people's descriptions of the same picture
   */
  record Caption(String id, ImageSource image, List<String> captions) implements Sample {

    /** Copies the list. */
    public Caption {
      captions = List.copyOf(captions);
      if (captions.isEmpty()) {
        throw new IllegalArgumentException("no caption");
      }
    }

    @Override
    public List<ImageSource> images() {
      return List.of(image);
    }
  }

  /**
   * A question about a picture.
   *
   * @param text the question
   * @param answers those of all annotators, in their order; empty where they are not public
   * @param options what can be answered; empty for anything
   * @param type kind of the answer or of the question, for results by kind; may be empty
   */
  record Question(
      String id,
      ImageSource image,
      String text,
      List<String> answers,
      List<String> options,
      String type)
      implements Sample {

    /** Copies the lists. */
    public Question {
      answers = List.copyOf(answers);
      options = List.copyOf(options);
    }

    @Override
    public List<ImageSource> images() {
      return List.of(image);
    }
  }

  /**
   * A part of a picture and what it shows.
   *
   * @param shape the part
   * @param box around it
   * @param descriptions at least one; several people's descriptions of the same part
   */
  record Region(
      String id,
      ImageSource image,
      RegionShape shape,
      RegionShape.Box box,
      List<String> descriptions)
      implements Sample {

    /** Copies the list. */
    public Region {
      descriptions = List.copyOf(descriptions);
      if (descriptions.isEmpty()) {
        throw new IllegalArgumentException("no description");
      }
    }

    @Override
    public List<ImageSource> images() {
      return List.of(image);
    }
  }

  /**
   * Questions and answers by turns.
   *
   * @param image what it is about; none for text alone
   * @param regions parts that the turns mention, in their order
   * @param turns with {@link io.deem.text.prompt.RegionConversations#REGION} for the picture and
   *     then for each region
   */
  record Conversation(
      String id, Optional<ImageSource> image, List<RegionShape> regions, List<Turn> turns)
      implements Sample {

    /** Copies the lists. */
    public Conversation {
      regions = List.copyOf(regions);
      turns = List.copyOf(turns);
    }

    @Override
    public List<ImageSource> images() {
      return image.stream().toList();
    }
  }

  /**
   * Text with pictures in it.
   *
   * @param sentences in their order
   * @param pictures in the order of the file
   */
  record Document(String id, List<String> sentences, List<Placed> pictures) implements Sample {

    /** Copies the lists. */
    public Document {
      sentences = List.copyOf(sentences);
      pictures = List.copyOf(pictures);
      for (Placed each : pictures) {
        if (each.sentence < 0 || each.sentence >= sentences.size()) {
          throw new IllegalArgumentException(
              "a picture at sentence " + each.sentence + " of " + sentences.size());
        }
      }
    }

    @Override
    public List<ImageSource> images() {
      return pictures.stream().map(Placed::image).distinct().toList();
    }
  }

  /**
   * A picture of a document.
   *
   * @param sentence the number of the sentence that it belongs to, from 0
   * @param similarity how well it matches the sentence, as CLIP has it; 1 where nobody measured
   */
  record Placed(ImageSource image, int sentence, double similarity) {}
}
