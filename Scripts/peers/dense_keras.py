"""The dense GAN in Keras, as tutorials of it write it: 100-784-784-784 tanh, 784-1 sigmoid, Adam, binary cross-entropy.

    python dense_keras.py HIDDEN

HIDDEN: units of the discriminator's first layer, 0 for none. Prints the median steps/s. Needs keras and a backend:
tensorflow, or torch with KERAS_BACKEND=torch.
"""
import os, pathlib, statistics, sys, time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import plain

hidden = plain.Parser(__doc__).add("HIDDEN", type=int).parse_args().HIDDEN
if hidden < 0:
    plain.stop("HIDDEN is below 0: name the units, or 0 for none.", 64)
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
plain.need("keras", "numpy")
import keras, numpy
from keras import layers

threads = int(os.environ.get("OMP_NUM_THREADS", "0"))
if threads and keras.backend.backend() == "tensorflow":
    import tensorflow

    tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
    tensorflow.config.threading.set_inter_op_parallelism_threads(threads)
keras.utils.set_random_seed(0)
generator = keras.Sequential([layers.Input((100,))] + [layers.Dense(784, activation="tanh") for _ in range(3)])
first = [layers.Dense(hidden, activation="tanh")] if hidden else []
discriminator = keras.Sequential([layers.Input((784,)), *first, layers.Dense(1, activation="sigmoid")])
discriminator.compile(optimizer=keras.optimizers.Adam(), loss="binary_crossentropy")
# Both together, to train the generator: it has its own copy of what may learn.
together = keras.Sequential([layers.Input((100,)), generator, discriminator])
discriminator.trainable = False
together.compile(optimizer=keras.optimizers.Adam(), loss="binary_crossentropy")
discriminator.trainable = True
discriminator.compile(optimizer=keras.optimizers.Adam(), loss="binary_crossentropy")
pictures = (numpy.random.rand(5000, 784) * 2 - 1).astype("float32")
one, zero = numpy.ones((32, 1), "float32"), numpy.zeros((32, 1), "float32")


def noise():
    return numpy.random.randn(32, 100).astype("float32")


def step(i):
    start = i * 32 % 4960
    fake = keras.ops.convert_to_numpy(keras.ops.stop_gradient(generator(noise())))
    discriminator.trainable = True
    discriminator.train_on_batch(pictures[start:start + 32], one)
    discriminator.train_on_batch(fake, zero)
    discriminator.trainable = False
    together.train_on_batch(noise(), one)


def window():
    start = time.perf_counter()
    for i in range(100):
        step(i)
    return 100 / (time.perf_counter() - start)


window()
print(f"{statistics.median(window() for _ in range(5)):.1f} steps/s")
