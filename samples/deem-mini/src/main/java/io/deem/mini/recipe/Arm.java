package io.deem.mini.recipe;

import java.util.List;

/**
 * One way to train, everything else being equal.
 *
 * @param id its name in results
 * @param title what tables call it
 * @param feedback what the visual tokens have to draw
 * @param weight of the feedback
 * @param from the first timestep of the feedback
 * @param to one more than its last timestep
 * @param maps whether the denoiser also reads the encoder's maps, as in DEEM, or the tokens alone
 * @param denoiserLearns whether the UNet learns, from next-image prediction
 * @param prior the image prior it starts from
 * @param nouns whether it is told what lies in each cell, as the image prior was
 */
record Arm(
    String id,
    String title,
    Feedback feedback,
    double weight,
    int from,
    int to,
    boolean maps,
    boolean denoiserLearns,
    AblationPrior prior,
    boolean nouns) {

  /** What the visual tokens have to draw. */
  enum Feedback {
    /** Nothing. */
    NONE,
    /** The picture that they were made from. */
    OWN,
    /** Another picture of the batch: a control, of equal cost. */
    SHUFFLED,
    /** Unlabelled pictures of a style that has no captions; not the training pictures. */
    TARGET,
    /** Their own picture, at once and by a decoder that is new: a control, of equal cost. */
    DECODER
  }

  private static final int MIDDLE_FROM = 200;
  private static final int MIDDLE_TO = 800;
  private static final double PAPER = 5;

  static final Arm BASELINE = plain("baseline", "(a) no feedback, UNet trained").learningDenoiser();
  static final Arm DEEM = plain("deem", "(b) DEEM: CSR x5, UNet frozen").with(Feedback.OWN);
  static final Arm NO_FEEDBACK = plain("no-feedback", "(c) no feedback, UNet frozen");

  /** The paper's comparison and the controls, repeated for every seed, in this order. */
  static List<Arm> repeated() {
    return List.of(
        BASELINE,
        DEEM,
        NO_FEEDBACK,
        plain("shuffled", "feedback on a shuffled picture").with(Feedback.SHUFFLED),
        plain("decoder", "auxiliary latent decoder").with(Feedback.DECODER),
        plain("supervised", "(c) + the prior's nouns and places").told(),
        plain("broad", "DEEM, broader image prior").with(Feedback.OWN).of(AblationPrior.BROAD),
        plain("target", "broader prior, feedback on openmoji pictures")
            .with(Feedback.TARGET)
            .of(AblationPrior.BROAD));
  }

  /** Weights and timesteps of DEEM, for the first seed alone. */
  static List<Arm> sweep() {
    return List.of(
        plain("tokens-only", "DEEM, tokens alone").with(Feedback.OWN).withoutMaps(),
        plain("weight-25", "DEEM, CSR x25").with(Feedback.OWN).weighing(25),
        plain("weight-1", "DEEM, CSR x1").with(Feedback.OWN).weighing(1),
        plain("late", "DEEM, timesteps 600 to 999").with(Feedback.OWN).between(600, 1000),
        plain("early", "DEEM, timesteps 0 to 399").with(Feedback.OWN).between(0, 400));
  }

  private static Arm plain(String id, String title) {
    return new Arm(
        id,
        title,
        Feedback.NONE,
        PAPER,
        MIDDLE_FROM,
        MIDDLE_TO,
        true,
        false,
        AblationPrior.NARROW,
        false);
  }

  private Arm with(Feedback other) {
    return new Arm(id, title, other, weight, from, to, maps, denoiserLearns, prior, nouns);
  }

  private Arm learningDenoiser() {
    return new Arm(id, title, feedback, weight, from, to, maps, true, prior, nouns);
  }

  private Arm told() {
    return new Arm(id, title, feedback, weight, from, to, maps, denoiserLearns, prior, true);
  }

  private Arm of(AblationPrior other) {
    return new Arm(id, title, feedback, weight, from, to, maps, denoiserLearns, other, nouns);
  }

  private Arm withoutMaps() {
    return new Arm(id, title, feedback, weight, from, to, false, denoiserLearns, prior, nouns);
  }

  private Arm weighing(double other) {
    return new Arm(id, title, feedback, other, from, to, maps, denoiserLearns, prior, nouns);
  }

  private Arm between(int first, int end) {
    return new Arm(id, title, feedback, weight, first, end, maps, denoiserLearns, prior, nouns);
  }
}
